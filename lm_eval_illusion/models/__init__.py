"""The lm_eval model classes: `hf.PrunedHFLM` (`--model pruned-hf`) and `vllm.PrunedVLLM` (`--model pruned-vllm`).

pruned          the base class of both: a pruned checkpoint from the store, refusals, provenance in results.config
arguments       reads and checks the arguments of both
command_checks  flags of lm_eval's command line that would give wrong numbers

This file imports nothing: lm_eval loads the class that the user names, and the module `vllm` needs vLLM.
"""
