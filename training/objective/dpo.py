"""Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290) by trl, from the tuned model on.

The model is held to what it was before: with adapters that is the model without them, else a copy. Preference alone
lowers what it gives to both texts, and its own texts come to be cut off and repeat themselves; a weight of the better
text's likelihood (Pang et al. 2024, arXiv 2404.19733) keeps them whole.
"""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, disable_progress_bars  # type: ignore[import-untyped]
from peft import LoraConfig
from transformers import PreTrainedModel
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer

from training.objective.config import Preference
from training.objective.preference import Preferred
from training.tune.adapt import Method, plain_model

_OWN = ("prompt", "chosen", "rejected")


def prefer(
    model: PreTrainedModel,
    tokenizer: Any,
    pairs: Sequence[Preferred],
    settings: Preference,
    *,
    method: Method,
    rank: int,
    seed: int,
    scratch: Path,
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """(the model after the pairs, its first and last figures). The same arguments give, on the CPU, the same weights.

    `scratch` is a folder of trl's own; nothing is left to be read there.
    """
    disable_progress_bars()
    cuda = torch.cuda.is_available()
    asked = DPOConfig(
        output_dir=str(scratch),
        beta=settings.beta,
        loss_type=["sigmoid", "sft"] if settings.likelihood else ["sigmoid"],
        loss_weights=[1.0, settings.likelihood] if settings.likelihood else None,
        learning_rate=settings.rate,
        lr_scheduler_type="linear",
        warmup_steps=0,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch,
        max_length=None,
        seed=seed,
        data_seed=seed,
        use_cpu=not cuda,
        bf16=cuda,
        gradient_checkpointing=False,
        remove_unused_columns=False,
        dataloader_pin_memory=cuda,
        save_strategy="no",
        logging_steps=1,
        report_to=[],
        disable_tqdm=True,
        log_level="error",
    )
    adapters = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    model.requires_grad_(True)
    trainer = DPOTrainer(
        model=model,
        ref_model=copy.deepcopy(model) if method == "full" else None,
        args=asked,
        data_collator=_Collator(tokenizer.pad_token_id or 0),
        train_dataset=_dataset(pairs),
        processing_class=tokenizer,
        peft_config=adapters if method == "lora" else None,
    )
    # It prints its figures besides keeping them.
    trainer.remove_callback(_printer())
    trainer.train()
    log = [each for each in trainer.state.log_history if "loss" in each]
    return plain_model(trainer.model).to("cpu"), _figures(log)


class _Collator:
    """Batches of the pairs' own tokens. trl would cut the texts anew, and a tokenizer may cut them otherwise at the
    seam of prompt and text than serving feeds them.
    """

    def __init__(self, pad: int) -> None:
        self._inner = DataCollatorForPreference(pad_token_id=pad)

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> Any:
        return self._inner([{f"{name}_ids": list(each[f"own_{name}"]) for name in _OWN} for each in examples])


def _dataset(pairs: Sequence[Preferred]) -> Any:
    return Dataset.from_list(
        [
            {
                "prompt": "",
                "chosen": each.chosen_text,
                "rejected": each.rejected_text,
                **{f"own_{name}": getattr(each, name) for name in _OWN},
            }
            for each in pairs
        ]
    )


def _printer() -> Any:
    from transformers.trainer_callback import PrinterCallback

    return PrinterCallback


def _figures(log: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Loss, and the share of pairs whose better text the model has come to favour, of the first and the last step."""
    shown = {"loss": "loss", "rewards/accuracies": "favoured", "rewards/margins": "margin"}
    return {
        "steps": len(log),
        **{
            when: {name: round(float(each[key]), 4) for key, name in shown.items() if key in each}
            for when, each in (("first", log[0]), ("last", log[-1]))
        },
    }
