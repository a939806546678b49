"""Small models of predicted conversion."""

from inference.text.conversion import Conversion, Weight, versioned


def model(**weights: float) -> Conversion:
    """A model of some attributes, by name, each with a mean of 0 and a scale of 1."""
    return versioned(
        Conversion(
            schema=1,
            version="",
            attributes={name: Weight(mean=0.0, scale=1.0, weight=weight) for name, weight in weights.items()},
            segments={},
            ngrams={},
            order=2,
            source={},
            figures={},
        )
    )
