"""What the subjects of `patter bench generate` are asked: requests of a made-up catalogue, as a bundle's prompts."""

import random
from collections.abc import Sequence

from tokenizers import Tokenizer

from inference.bundle import Bundle, Controls, Generation
from inference.generate.channels import LIMITS
from inference.generate.prompt import prompt_tokens
from inference.generate.slots import REQUIRED, SLOTS, offered
from inference.generate.text_prompt import text_prompt
from schemas.ports import TextRequest
from schemas.subject import Ask

CHANNEL = "push"
# How often a product has a fact beside its name; where there are many, prompts differ.
_KNOWN = 0.5
_THINGS = ("Kettle", "Trail Boots", "Desk Lamp", "Wool Throw", "Water Bottle", "Garden Shears", "Chef's Knife", "Tent")
_MAKES = ("Harbour", "Norrin", "Elmwood", "Field & Co", "Copperline")
_FACTS = {
    "BRAND": "Norrin",
    "PRICE": "$49.00",
    "OFF": "20%",
    "CATEGORY": "kettles",
    "COLOR": "teal",
    "MATERIAL": "steel",
    "SIZE": "M",
    "FEATURE": "a spout that pours",
    "FEATURE2": "a lid that stays",
    "RATING": "4.5",
}


def requests(controls: Controls, count: int, seed: int) -> list[TextRequest]:
    """`count` requests for push copy, over every segment, tone, call to action and category that the bundle knows."""
    rng = random.Random(seed)
    categories = [words[0] for words in controls.categories.values() if words] or ["thing"]
    made = []
    for number in range(count):
        facts = {REQUIRED: f"{rng.choice(_MAKES)} {rng.choice(_THINGS)}"}
        facts.update((slot, _FACTS[slot]) for slot in SLOTS if slot in _FACTS and rng.random() < _KNOWN)
        made.append(
            TextRequest(
                product_id=f"p{number}",
                category=rng.choice(categories),
                segment=rng.choice(controls.segments),
                variant="bench",
                tone=rng.choice(controls.tones),
                cta=rng.choice(controls.ctas),
                length=rng.choice(controls.lengths),
                channel=CHANNEL,
                locale="en",
                facts=facts,
                seed=rng.getrandbits(63),
                max_chars=LIMITS[CHANNEL],
            )
        )
    return made


def ask(bundle: Bundle, asked: Sequence[TextRequest], lengths: list[int] | None) -> Ask:
    """The question, for a batch of 1; a subject is asked it again at each size."""
    tokenizer = Tokenizer.from_file(str(bundle.tokenizer))
    generation, sampler = bundle.generation, bundle.generation.sampler
    begin = [] if generation.bos is None else [generation.bos]
    return Ask(
        prompts=[[*begin, *_ids(tokenizer, generation, request)] for request in asked],
        seeds=[request.seed for request in asked],
        slots=[sorted(offered(request.facts, request.max_chars)) for request in asked],
        lengths=lengths,
        batch=1,
        temperature=sampler.temperature,
        top_p=sampler.top_p,
        top_k=sampler.top_k,
        eos=generation.eos,
        pad=generation.pad,
        max_new_tokens=generation.max_new_tokens,
    )


def _ids(tokenizer: Tokenizer, generation: Generation, request: TextRequest) -> list[int]:
    if generation.prompt == "text":
        text: list[int] = tokenizer.encode(text_prompt(request, generation.controls.categories)).ids
        return text
    ids = [tokenizer.token_to_id(token) for token in prompt_tokens(request, generation.controls)]
    return [number for number in ids if number is not None]
