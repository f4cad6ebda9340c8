"""Checks of the models that arguments name, before anything is loaded: each exists, and a base model brings no adapter of its own."""

from __future__ import annotations

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.pruning.base_identity import ADAPTER_CONFIGURATION, ModelFiles, hub_commit, read_object, shown


def refuse_adapter(files: ModelFiles) -> None:
    """Refuse a base model whose files hold an adapter.

    transformers adds such an adapter to the weights without being asked, and of a folder with an adapter alone it loads the model that
    the adapter was made for. So neither is the dense model of that name.

    Raises:
        UserError: The files hold an adapter, or there is no such model.
    """
    find = files.finder()
    if find(ADAPTER_CONFIGURATION) is None:
        return
    if find("config.json") is not None:
        raise UserError(
            f"pretrained {shown(files.pretrained)!r} also holds an adapter ({ADAPTER_CONFIGURATION}), which transformers adds to the"
            " weights: move the adapter_* files into a folder of their own, and give that as peft=FOLDER to measure the adapter"
        )
    base = shown(str(read_object(files, ADAPTER_CONFIGURATION).get("base_model_name_or_path") or "MODEL"))
    raise UserError(
        f"pretrained {shown(files.pretrained)!r} is an adapter, not a model ({ADAPTER_CONFIGURATION}):"
        f" give pretrained={base},peft={shown(files.pretrained)}, or merge it into a folder first to prune it"
    )


def refuse_missing(argument: str, files: ModelFiles) -> None:
    """Refuse a model that does not exist. `argument`: the name of the argument that names it, other than `pretrained`.

    Raises:
        UserError: It is no path, and there is no such model on the hub or in its cache. The message names the argument.
    """
    if files.is_local:
        return
    try:
        hub_commit(files.pretrained, files.revision, files.subfolder)
    except UserError as error:
        reason = one_line(error.__cause__ or error, 200)
        raise UserError(
            f"{argument} {shown(files.pretrained)!r} is neither a folder nor a model on the hub or in its cache ({reason}):"
            " give a local folder, or download it first"
        ) from error
