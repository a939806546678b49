"""The base model, and which of its weights learn: adapters of low rank (Hu et al. 2021, arXiv 2106.09685), or all."""

from pathlib import Path
from typing import Any, Literal

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel, PreTrainedTokenizerFast

from schemas.errors import Code, ConfigError, LackingError
from training.tune.tokens import Markers, add_slots, fit_embeddings, markers_of

Method = Literal["lora", "full"]
_DROPOUT = 0.05
_HINT = (
    "give a folder with config.json, model.safetensors and tokenizer.json, or fetch the model where there is a network"
)


def load_base(base: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast, dict[str, int], Markers]:
    """A model of a folder or of the hub in float32, its tokenizer with the slots, the slots' ids, and its markers.

    Raises LackingError where it is not here and cannot be fetched, ConfigError where there is no such folder, or it is
    no causal language model.
    """
    here = Path(base).is_dir()
    if not here and (base.startswith((".", "/", "~")) or base.count("/") > 1):
        raise ConfigError(Code.FILE_MISSING, "no such folder", where=f"--base {base}", hint=_HINT)
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=here)
        model = AutoModelForCausalLM.from_pretrained(base, local_files_only=here, dtype=torch.float32)
    except ValueError as error:
        what = f"no causal language model: {_first(error)}"
        raise ConfigError(Code.FILE_INVALID, what, where=f"--base {base}", hint="take another base") from None
    except Exception as error:  # noqa: BLE001 - the hub's client raises classes of half a dozen libraries
        what = f"the base model is not here and cannot be fetched: {_first(error)}"
        raise LackingError(Code.DEPENDENCY_MISSING, what, where=f"--base {base}", hint=_HINT) from None
    known = set(tokenizer.get_vocab().values())
    slots = add_slots(tokenizer)
    fit_embeddings(model, tokenizer, slots, frozenset(slots.values()) - known)
    markers = markers_of(tokenizer)
    # What a base sets for itself (a penalty for repetition, say) would bend the comparison of greedy texts.
    model.generation_config = GenerationConfig(
        bos_token_id=markers.bos, eos_token_id=markers.eos, pad_token_id=markers.pad
    )
    return model.eval(), tokenizer, slots, markers


def learning(model: PreTrainedModel, slots: dict[str, int], method: Method, rank: int, seed: int) -> Any:
    """The model with the weights that learn set to learn. The same seed gives the same adapters.

    Adapters stand beside every linear layer; of the embeddings, and of the head where it is not the same matrix, only
    the slots' rows learn.
    """
    torch.manual_seed(seed)
    if method == "full":
        model.requires_grad_(True)
        return model
    names = {module: name for name, module in model.named_modules()}
    ends = [model.get_input_embeddings()]
    head = model.get_output_embeddings()
    if head is not None and head.weight is not ends[0].weight:
        ends.append(head)
    settings = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=_DROPOUT,
        target_modules="all-linear",
        trainable_token_indices={names[end].rpartition(".")[2]: sorted(slots.values()) for end in ends},
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, settings)


def plain_model(model: Any) -> PreTrainedModel:
    """The model with what adapters learned put into its own weights."""
    merged = model.merge_and_unload() if isinstance(model, PeftModel) else model
    return merged.eval()


def _first(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
