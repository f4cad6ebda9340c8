"""The lm_eval model classes: `hf.PrunedHFLM` (`--model pruned-hf`) and `vllm.PrunedVLLM` (`--model pruned-vllm`).

pruned          what both have in common: a pruned checkpoint from the store, refusals, provenance in results.config
arguments       reading and refusing the arguments of both
command_checks  flags of lm_eval's command line that would give wrong numbers

This package imports nothing: lm_eval loads the class that the user names, and `vllm` needs vLLM.
"""
