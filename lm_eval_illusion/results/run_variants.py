"""The variant that a run evaluated: what our model classes or the arguments of another model class say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.loading.arguments import (
    GGUF_ARGUMENT,
    GGUF_METHOD,
    Change,
    changed_name,
    changed_pruner,
    changes_of,
    identity_of,
    read_model_args,
    without_methods,
)
from lm_eval_illusion.loading.quantized_config import variant_word
from lm_eval_illusion.loading.quantized_scheme import QuantizedScheme
from lm_eval_illusion.plugin import MODEL_NAME, VLLM_MODEL_NAME
from lm_eval_illusion.results.base_content import NOT_QUANTISED, BaseContent
from lm_eval_illusion.results.engines import engine_of
from lm_eval_illusion.results.messages import shown
from lm_eval_illusion.results.model_folders import checkpoint_in, model_folder, scheme_in
from lm_eval_illusion.results.outcomes import POOLED
from lm_eval_illusion.results.results_file import (
    BaseIdentityConfig,
    CalibrationConfig,
    IllusionConfig,
    QuantizationConfig,
    RunConfig,
)
from lm_eval_illusion.results.servers import UNNAMED, Server, server_of
from lm_eval_illusion.results.typed_json import convert
from lm_eval_illusion.results.variants import DENSE_METHOD, EMBEDDED_TEXT, Settings, Variant

Changes: TypeAlias = tuple[Change, ...]
# Arguments that name the model of a class without `pretrained` and `model`.
_NAMES = ("path", "engine", "model_id", "deployment_id", "load")
_OF_GGUF = ("llama.cpp", "llama-cpp-python")
_LOADING_BY_DTYPE = ("vllm", "vllm-vlm", "sglang")
_DTYPES = {"half": "float16", "float": "float32", "float16": "float16", "float32": "float32", "bfloat16": "bfloat16"}
_REMEDY = "give the results file as lm_eval wrote it, or run lm_eval again"


def variant_of_run(config: RunConfig, results_file: Path) -> Variant:
    """Return the variant that a run evaluated.

    Raises:
        UserError: The model arguments can't be read, or name no model.
    """
    with attributed(f"{results_file}: config.model_args can't be read", _REMEDY):
        arguments = read_model_args(config.model_args)
        server = server_of(config, arguments)
        name = _model_name(config, arguments, server)
        # A server may name its model by the file that it serves.
        changes = _changes_of(arguments if server is None else {**arguments, "pretrained": name}, results_file)
    if config.illusion is not None:
        ours = config.illusion
        # Earlier versions took the folder of a pruned checkpoint for a model of its own.
        is_dense = ours.pruner == DENSE_METHOD and not ours.changes
        folder = model_folder(ours.base_model, arguments, server) if is_dense else None
        pruned = checkpoint_in(folder) if folder is not None else None
        return _our_variant(config, pruned or ours, {} if pruned else arguments, changes, server)
    if isinstance(name, bool) or not isinstance(name, (str, int, float)) or not str(name).strip():
        raise UserError(
            f"{results_file} names no model: config.model_args.pretrained or config.model is {shown(name)}, not text"
        )
    name = str(name)
    folder = model_folder(name, arguments, server)
    pruned = checkpoint_in(folder) if folder is not None else None
    if pruned is not None:
        # Revision and subfolder say where the checkpoint is, not its base model.
        return _our_variant(config, pruned, {}, changes, server)
    scheme = scheme_in(folder) if folder is not None else None
    variant = _other_variant(
        name, config, arguments, changes if scheme is None else without_methods(changes), server, results_file
    )
    return variant if scheme is None else _quantised(variant, scheme)


def _model_name(config: RunConfig, arguments: Mapping[str, Any], server: Server | None) -> Any:
    """Return the name under which the run asked for its model, as it is stated; of one without, the model class."""
    # lm_eval's API classes prefer `model` to `pretrained`.
    names = ("pretrained", "model", *_NAMES) if server is None else ("model", "pretrained", *_NAMES)
    stated = config.served.model if config.served is not None else None
    given = (stated, *(arguments.get(name) for name in names))
    return next((value for value in given if value and value != "None"), config.model)


def _changes_of(arguments: Mapping[str, Any], results_file: Path) -> Changes:
    try:
        return changes_of(arguments)
    except (AttributeError, TypeError):
        # The parts of a `quantization_config` depend on its method. Of one that can't be read, this names the part of another type.
        quantization = arguments.get("quantization_config")
        if quantization is None:
            raise
        place = "config.model_args.quantization_config"
        convert(quantization, QuantizationConfig, results_file, place, _REMEDY)
        with attributed(f"{results_file}: {place} can't be read", _REMEDY):
            raise


def _our_variant(
    config: RunConfig,
    ours: IllusionConfig,
    arguments: Mapping[str, Any],
    changes_by_argument: Changes,
    server: Server | None,
) -> Variant:
    calibration = ours.calibration or CalibrationConfig()
    base = ours.base_identity or BaseIdentityConfig()
    # Earlier versions did not record what an argument changes. `key` and `none`: in those, a model was pruned here or dense.
    unrecorded = changes_by_argument if ours.key or ours.pruner == "none" else ()
    unrecorded = () if ours.changes else unrecorded
    # An adapter's content tells it from another one of the same name; without one, its path does.
    given = {change.argument: change.identity for change in changes_by_argument}
    changes = [it.content or given.get(it.argument) or identity_of(it.argument, it.value) for it in ours.changes]
    changes += [change.identity for change in unrecorded]
    return Variant(
        base_model=ours.base_model,
        variant=changed_name(ours.variant, unrecorded),
        pruner=changed_pruner(ours.pruner, unrecorded),
        sparsity_requested=ours.sparsity_requested,
        sparsity_measured=ours.sparsity_measured,
        bits_measured=ours.bits_measured,
        mask_structure=ours.mask_structure,
        owl_lambda=ours.owl_lambda,
        owl_m=ours.owl_m,
        calibration_source=calibration.source,
        calibration_language=_calibration_language(calibration),
        calibration_samples=calibration.samples,
        calibration_length=calibration.length,
        # Without calibration nothing depends on the seed.
        pruning_seed=ours.pruning_seed if ours.calibration else None,
        dtype=ours.dtype or _dtype(config, arguments),
        identity="+".join([str(ours.key or ours.base_revision), *changes, *_identity_of(server)]),
        settings=_settings_of(changes_by_argument),
        base_content=BaseContent(
            base.weights,
            base.tokenizer,
            _commit(ours.base_revision),
            *_place(arguments),
            # A method without a checkpoint of the store and without changes by arguments is that of the base model itself.
            scheme=ours.variant if ours.pruner != DENSE_METHOD and not (ours.key or ours.changes or unrecorded) else None,
            # Each quantisation of a model in a folder of GGUF files has other weights on purpose.
            other_model=next((f"{ours.base_model}/{it.value}" for it in ours.changes if it.argument == GGUF_ARGUMENT), None),
        ),
        server=None if server is None else replace(server, serves_checkpoint=True),
        engine=engine_of(config, server),
        beams_are_top1=config.model not in (MODEL_NAME, VLLM_MODEL_NAME),
    )


def _settings_of(changes: Changes) -> Settings:
    return tuple(setting for change in changes for setting in change.settings)


def _calibration_language(calibration: CalibrationConfig) -> str | None:
    """Return the language of the calibration text. `all` is the default of the argument: of a text of the user it says nothing."""
    is_embedded = calibration.source in (None, EMBEDDED_TEXT)
    return calibration.language if is_embedded or calibration.language != POOLED else None


def _other_variant(
    name: str, config: RunConfig, arguments: Mapping[str, Any], changes: Changes, server: Server | None, results_file: Path
) -> Variant:
    """Return the variant of a model class that is not ours: what its arguments say, otherwise dense."""
    # Nothing says that two runs that name neither model nor server had the same.
    unknown = [results_file.name] if server is not None and server.host == UNNAMED and name == config.model else []
    quantisation = _served_quantisation(config)
    if quantisation is not None:
        identity = f"{GGUF_ARGUMENT}={quantisation}"
        changes = (
            Change(quantisation, GGUF_METHOD, None, GGUF_ARGUMENT, quantisation, is_quantisation=True, identity=identity),
        )
    commits = [sha for sha in (config.model_sha, config.peft_sha, config.delta_sha) if sha]
    bits = [change.bits for change in changes if change.is_quantisation]
    return Variant(
        base_model=name,
        variant=changed_name("dense", changes),
        pruner=changed_pruner(DENSE_METHOD, changes),
        sparsity_requested=None,
        sparsity_measured=None,
        bits_measured=bits[-1] if bits else None,
        mask_structure="0:0",
        dtype=_dtype(config, arguments),
        identity="+".join([*commits, *(change.identity for change in changes), *_identity_of(server), *unknown]),
        settings=_settings_of(changes),
        # The revision of an API class is that of its tokenizer.
        base_content=BaseContent(None, None, _commit(config.model_sha), *_place(arguments))
        if server is None
        else BaseContent(scheme=quantisation or (NOT_QUANTISED if _stated_dtype(config) else None)),
        server=server,
        engine=engine_of(config, server),
        beams_are_top1=True,
    )


def _quantised(variant: Variant, scheme: QuantizedScheme) -> Variant:
    """Return the variant of a checkpoint that is quantised itself. Its mean bits are known if no layer but the head is left out."""
    is_whole = all("lm_head" in name for name in scheme.ignored)
    is_as_stored = variant.pruner == DENSE_METHOD
    return replace(
        variant,
        variant=scheme.name if is_as_stored else f"{scheme.name}+{variant.variant}",
        pruner=scheme.method if is_as_stored else f"{scheme.method}+{variant.pruner}",
        bits_measured=scheme.bits if is_whole and is_as_stored else variant.bits_measured,
        base_content=replace(variant.base_content, scheme=scheme.name),
    )


def _served_quantisation(config: RunConfig) -> str | None:
    """Return the quantisation of the GGUF file that a llama.cpp server serves, such as `Q4_K_M`; None if its weights are floats.

    llama.cpp writes `Q4_K - Medium`, `IQ2_XXS - 2.0625 bpw`, `all F32`, and `(guessed)` after a type that the file does not state.
    """
    stated = _stated_dtype(config)
    if stated is None or config.served is None or config.served.server not in _OF_GGUF:
        return None
    kind, _, size = re.sub(r"^(all|mostly)\W+|\(guessed\)", "", stated, flags=re.IGNORECASE).strip().partition(" - ")
    if re.fullmatch(r"b?f(16|32)", kind, re.IGNORECASE):
        return None
    # Of Q2_K there is a small one and one without a letter.
    is_sized = size in ("Small", "Medium", "Large") and (kind, size) != ("Q2_K", "Medium")
    return variant_word(f"{kind}_{size[0]}" if is_sized else kind)


def _stated_dtype(config: RunConfig) -> str | None:
    """Return the data type that a server stated, of llama.cpp the type of the file's weights; None if it stated none."""
    return config.served.dtype.strip() or None if config.served is not None and config.served.dtype else None


def _identity_of(server: Server | None) -> list[str]:
    return [] if server is None else [f"server={server.digest}"]


def _dtype(config: RunConfig, arguments: Mapping[str, Any]) -> str | None:
    """Return the dtype that ran: that which lm_eval's `hf` writes, else one that the arguments ask for and that is not automatic."""
    if config.model_dtype:
        return config.model_dtype.removeprefix("torch.")
    if config.served is not None:
        # Of llama.cpp it is the type of the stored weights.
        return None if config.served.server in _OF_GGUF else _stated_dtype(config)
    # A server does not load the model by these arguments, and our model classes state what ran.
    if config.illusion is not None or config.model not in _LOADING_BY_DTYPE:
        return None
    asked = str(arguments.get("dtype") or "").removeprefix("torch.")
    return _DTYPES.get(asked)


def _commit(revision: str | None) -> str | None:
    """Return a revision if it is a commit: 40 hexadecimal digits."""
    return revision if revision and re.fullmatch(r"[0-9a-f]{40}", revision) else None


def _place(arguments: Mapping[str, Any]) -> tuple[str, str]:
    """Return the requested revision and subfolder."""
    revision, subfolder = (str(arguments.get(name) or "") for name in ("revision", "subfolder"))
    return ("main" if revision in ("", "None") else revision), ("" if subfolder == "None" else subfolder)
