"""The arms of an ablation: everything that a tuning and a serving do, and what is left out in each."""

import msgspec
from msgspec import Struct

from inference.generate.prompt import ANY
from schemas.ports import TextRequest
from training.objective.config import Loss, Objective, Preference

FULL = "full"


class Arm(Struct, frozen=True, kw_only=True):
    """One arm. What is False is left out, in the tuning and in the prompts that are measured."""

    name: str
    controls: bool = True
    references: bool = True
    unlikelihood: bool = True
    cta: bool = True
    conversion: bool = True
    preference: bool = True
    learned: bool = True


TRAINED = (
    Arm(name=FULL),
    Arm(name="no_control_tokens", controls=False),
    Arm(name="no_unlikelihood", unlikelihood=False),
    Arm(name="no_cta_weight", cta=False),
    Arm(name="no_conversion_weight", conversion=False),
    Arm(name="no_preference_step", preference=False),
    Arm(name="no_in_context_reference", references=False),
    Arm(name="plain_tuning", unlikelihood=False, cta=False, conversion=False, preference=False),
    Arm(name="untuned_base", learned=False),
)
"""Those that are models of their own. `plain_tuning` has no term of the objective, `untuned_base` learns nothing."""

NO_POST_PROCESSING = "no_post_processing"
"""The full arm's model, of which the first text is shown as it was drawn."""


def objective_of(arm: Arm, whole: Objective) -> Objective:
    """The objective without what the arm leaves out. The reward that texts are measured by is not touched."""
    loss = whole.loss
    return msgspec.structs.replace(
        whole,
        loss=Loss(
            unlikelihood=loss.unlikelihood if arm.unlikelihood else 0.0,
            ngram=loss.ngram,
            cta=loss.cta if arm.cta else 0.0,
            conversion=loss.conversion if arm.conversion else 0.0,
        ),
        preference=whole.preference if arm.preference else Preference(),
    )


def prompted(arm: Arm, request: TextRequest, reference: str | None) -> TextRequest:
    """What the arm's prompt says of a request, with the reference that there is for it, if any."""
    said = msgspec.structs.replace(request, reference=reference if arm.references else None)
    if arm.controls:
        return said
    return msgspec.structs.replace(said, segment=ANY, tone="plain", cta="none", sentiment=ANY, length="medium")
