"""P_conv: fitting the model of `inference.text.conversion` on past tests, and measuring it on tests it has not seen."""
