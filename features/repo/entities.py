"""Who and what features are about. Every key is a string: a number is written as its decimal digits."""

from feast import Entity, ValueType


def _entity(name: str, about: str) -> Entity:
    return Entity(name=name, join_keys=[f"{name}_id"], value_type=ValueType.STRING, description=about)


user = _entity("user", "a shopper, by the id that the shop's events carry")
product = _entity("product", "a product, by the id that the shop's events and catalogue carry")
variant = _entity("variant", "a style of copy (tone x call to action x length), an arm of an experiment")
segment = _entity("segment", "a group of shoppers, the outcome of the segment rules")

ENTITIES = (user, product, variant, segment)
BY_JOIN_KEY = {entity.join_key: entity for entity in ENTITIES}
