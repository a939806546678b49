"""A record of a typed task from what a user gave."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from inference.decide.facts import slot_values
from inference.generate.channels import LIMITS
from inference.tasks.records import CALLS, Ad, Classify, Cta, Intent, Qa, Record, Task, TitleRewrite
from inference.tasks.taught import Condition, Taught
from patter.write.sources import Flags, products_of
from schemas.catalog import Product
from schemas.errors import Code, ConfigError
from schemas.ports import TextRequest


class Given(Struct, frozen=True, kw_only=True):
    """What the options of `patter ask` say besides a product; None where one was not given."""

    name: str | None = None
    description: str | None = None
    query: str | None = None
    call: str | None = None
    question: str | None = None
    text: str | None = None
    options: tuple[str, ...] = ()
    seed: int = 1


def record_of(task: Task, product: Product | None, given: Given, taught: Taught) -> Record:
    """The record of a task; without other options those that the bundle was tuned with.

    Raises ConfigError (usage) that names the option that is missing or wrong.
    """
    if task == "classify":
        name = product.name if product is not None else _needed(given.name, "--name", task)
        description = (product.description if product is not None else given.description) or ""
        return Classify(name=name, description=description, options=_options(given, taught.categories))
    if task == "intent":
        return Intent(text=_needed(given.text, "--text", task), options=_options(given, taught.intents))
    if product is None:
        raise _usage(f"{task} is about a product", "--product", "give --catalog and --product, or --name and so on")
    if task == "title_rewrite":
        return TitleRewrite(product=product, query=_needed(given.query, "--query", task))
    if task == "qa":
        return Qa(product=product, question=_needed(given.question, "--question", task))
    if task == "cta":
        return Cta(product=product, call=_call(_needed(given.call, "--call", task)))
    return Ad(product=product, request=_request(product, given, taught))


def one_of(products: Sequence[Product], product_id: str) -> Product:
    """The product of this id. Raises ConfigError (usage) where there is none."""
    found = next((each for each in products if each.product_id == product_id), None)
    if found is None:
        what = f"no product has the id {product_id!r}" if products else "there is no catalogue to find it in"
        raise _usage(what, "--product", "check the id, and give --catalog")
    return found


def product_of(flags: Flags, description: str | None) -> Product:
    """The product of the flags. Raises ConfigError (usage) that names the flag."""
    if not any(msgspec.structs.astuple(flags)):
        raise _usage("no product is named", "patter ask", "give --catalog and --product, or --name and so on")
    (product,) = products_of(None, (), flags).products
    return msgspec.structs.replace(product, description=description)


def _request(product: Product, given: Given, taught: Taught) -> TextRequest:
    """A request under the commonest condition that ads were learned under, with the call that is asked for."""
    plain = Condition(segment="any", tone="plain", cta="none", channel="push", length="medium")
    known = taught.conditions or (plain,)
    call = None if given.call is None else _call(given.call)
    condition = next((each for each in known if call in (None, each.cta)), known[0])
    said = {**msgspec.structs.asdict(condition), **({} if call is None else {"cta": call})}
    return TextRequest(
        product_id=product.product_id,
        category=product.category,
        variant="task",
        locale="en",
        facts=slot_values(product),
        seed=given.seed,
        max_chars=LIMITS[condition.channel],
        **said,
    )


def _options(given: Given, known: tuple[str, ...]) -> tuple[str, ...]:
    options = tuple(dict.fromkeys(given.options)) or known
    if len(options) < 2:
        raise _usage("there is only one option", "--option", "give two or more")
    return options


def _call(call: str) -> str:
    if call not in CALLS:
        raise _usage(f"{call!r} is no type of call", "--call", f"there are {', '.join(CALLS)}")
    return call


def _needed(value: str | None, flag: str, task: Task) -> str:
    if value is None or not value.strip():
        raise _usage(f"{task} needs {flag}", "patter ask", f"as in {flag} ...")
    return value


def _usage(what: str, where: str, hint: str) -> ConfigError:
    return ConfigError(Code.USAGE, what, where=where, hint=hint)
