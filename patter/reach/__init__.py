"""`patter reach`: how many shoppers were reached, and which products bring most."""
