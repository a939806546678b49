"""`patter report`: what experiments found, from what is published about them."""
