"""Records in, answers out: what is written goes through the checks of copy, what is chosen is chosen by likelihood."""

import time
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace
from tokenizers import Tokenizer

from inference.bundle import Bundle
from inference.generate import Provider
from inference.generate.engine import Engine, open_engine
from inference.generate.findings import Finding
from inference.generate.grammar import with_grammar
from inference.generate.judge import Standards
from inference.generate.render import compile_text, render
from inference.generate.writer import codes_for, job_of
from inference.tasks.faults import faults, request_of
from inference.tasks.likelihood import AnswerLikelihood, chances, open_answer_likelihood
from inference.tasks.prompts import LONGEST, prompt_of
from inference.tasks.records import NOT_STATED, Ad, Classify, Cta, Intent, Qa, Record, TitleRewrite, stated, task_of
from inference.tasks.taught import Taught, taught_of
from inference.tasks.wordings import wordings
from schemas.errors import Code, ConfigError

# Words of free text in a prompt that does not fit, tried one after the other.
_SHORTER = (LONGEST, 32, 16, 8, 4, 0)


class Choice(Struct, frozen=True):
    """One of a closed set of answers, as a shopper reads it, and what it has of the probability of them all."""

    answer: str
    chance: float


class Answer(Struct, frozen=True, kw_only=True):
    """What a bundle answers. `answer` is None where the checks refuse it; then `findings` say why.

    `slot_text` is the answer with its facts as slots. `choices` are the options of a closed task, the likeliest first.
    """

    task: str
    answer: str | None
    slot_text: str
    findings: tuple[Finding, ...] = ()
    choices: tuple[Choice, ...] = ()


class Respondent:
    """Answers records with one bundle. Titles and calls are written greedily: the same record has the same answer."""

    def __init__(
        self,
        taught: Taught,
        bundle: Bundle,
        standards: Standards,
        encode: Callable[[str], tuple[int, ...]],
        engine: Callable[[bool], Engine],
        likelihood: Callable[[], AnswerLikelihood],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`encode` gives the tokens of a text. `engine` opens an engine that draws (True) or takes the likeliest token;
        engines and `likelihood` are opened when a record needs them.
        """
        self.taught, self.bundle = taught, bundle
        self._standards, self._encode, self._clock = standards, encode, clock
        self._open, self._measure = engine, likelihood
        self._engines: dict[bool, Engine] = {}
        self._likelihood: AnswerLikelihood | None = None

    def answers(
        self, records: Sequence[Record], asked: Sequence[str | None] = (), *, deadline_s: float = 600.0
    ) -> list[Answer]:
        """The answers in the records' order. `asked` are instructions, None or nothing being the task's own.

        Raises LackingError (task_missing) for a task that the bundle was not tuned for, ConfigError (usage) for a
        record that does not fit the model. What is not done in `deadline_s` is refused with copy_deadline.
        """
        for record in records:
            taught_of(self.taught, self.bundle.name, task_of(record))
        until = self._clock() + deadline_s
        said = [*asked, *[None] * (len(records) - len(asked))]
        found: list[Answer | None] = [None] * len(records)
        for drawn in (True, False):
            places = [place for place, each in enumerate(records) if _written(each) and isinstance(each, Ad) == drawn]
            if places:
                written = self._write([records[place] for place in places], [said[place] for place in places], until)
                for place, answer in zip(places, written, strict=True):
                    found[place] = answer
        for place, (record, wording) in enumerate(zip(records, said, strict=True)):
            if found[place] is None:
                found[place] = self._choose(record, wording)
        return [answer for answer in found if answer is not None]

    def prompt(self, record: Record, wording: str | None = None) -> tuple[int, ...]:
        """The tokens of a record's prompt; free text is cut where they are more than the model reads.

        Raises ConfigError (usage) where the facts alone do not fit.
        """
        generation = self.bundle.generation
        begin = () if generation.bos is None else (generation.bos,)
        room = generation.graph.context - max(generation.max_new_tokens, self._longest(record)) - len(begin)
        text = wording or wordings(task_of(record)).seen[0]
        tokens: tuple[int, ...] = ()
        for words in _SHORTER:
            tokens = self._encode(prompt_of(record, text, generation.controls.categories, words=words))
            if len(tokens) <= room:
                return (*begin, *tokens)
        what = f"the prompt has {len(tokens)} tokens, and the model has room for {room}"
        raise ConfigError(Code.USAGE, what, where=task_of(record), hint="shorten the facts, or offer fewer options")

    def _longest(self, record: Record) -> int:
        return max((len(self._encode(option)) + 1 for option in options_of(record)), default=0)

    def _write(self, records: Sequence[Record], asked: Sequence[str | None], until: float) -> list[Answer]:
        kept = [record for record in records if isinstance(record, Ad | TitleRewrite | Cta)]
        engine = self._engine(drawn=isinstance(kept[0], Ad))
        requests = [request_of(record) for record in kept]
        prompts = [self.prompt(record, wording) for record, wording in zip(kept, asked, strict=True)]
        jobs = [job_of(request, prompt, engine.decode) for request, prompt in zip(requests, prompts, strict=True)]
        found = []
        for record, request, text in zip(kept, requests, engine.write(jobs, until, self._clock), strict=True):
            verdict = faults(record, text.text, codes_for(request, text), self._standards)
            answer = None if verdict.findings else verdict.shown
            found.append(
                Answer(task=task_of(record), answer=answer, slot_text=verdict.slot_text, findings=verdict.findings)
            )
        return found

    def _choose(self, record: Record, wording: str | None) -> Answer:
        options = options_of(record)
        if self._likelihood is None:
            self._likelihood = self._measure()
        logs = self._likelihood.log(self.prompt(record, wording), [self._encode(option) for option in options])
        ranked = sorted(zip(chances(logs), options, strict=True), key=lambda pair: -pair[0])
        values = with_grammar(stated(record.product)) if isinstance(record, Qa) else {}
        shown = [render(compile_text(option), values) if values else option for _, option in ranked]
        choices = [Choice(text or option, chance) for text, (chance, option) in zip(shown, ranked, strict=True)]
        return Answer(task=task_of(record), answer=choices[0].answer, slot_text=ranked[0][1], choices=tuple(choices))

    def _engine(self, *, drawn: bool) -> Engine:
        if drawn not in self._engines:
            self._engines[drawn] = self._open(drawn)
        return self._engines[drawn]


def options_of(record: Record) -> tuple[str, ...]:
    """The closed set that an answer is chosen from, as the model says it; none for a task that writes."""
    if isinstance(record, Classify | Intent):
        return record.options
    if isinstance(record, Qa):
        return (*(f"{{{slot}}}" for slot in stated(record.product)), NOT_STATED)
    return ()


def open_respondent(
    bundle: Bundle,
    *,
    standards: Standards | None = None,
    provider: Provider = "auto",
    threads: int = 1,
    batch: int = 16,
) -> Respondent:
    """A respondent over a verified bundle. Without `standards` a text is held to the bundle's own words alone.

    Raises LackingError: task_missing (it holds no typed tasks), and as `open_engine` does when it is first needed.
    """
    taught = taught_of(bundle.taught, bundle.name)
    controls = bundle.generation.controls
    greedy = replace(bundle.generation.sampler, temperature=0.0, later=0.0)

    tokenizer = Tokenizer.from_file(str(bundle.tokenizer))

    def encode(text: str) -> tuple[int, ...]:
        return tuple(tokenizer.encode(text, add_special_tokens=False).ids)

    def engine(drawn: bool) -> Engine:  # noqa: FBT001 - one of two
        run = bundle if drawn else replace(bundle, generation=replace(bundle.generation, sampler=greedy))
        return open_engine(run, provider=provider, threads=threads, slots=batch)

    return Respondent(
        taught,
        bundle,
        standards or Standards(kinds=controls.categories, telltales=controls.telltales),
        encode,
        engine,
        lambda: open_answer_likelihood(bundle, threads=threads),
    )


def _written(record: Record) -> bool:
    return isinstance(record, Ad | TitleRewrite | Cta)
