"""Scoring and decoding with a transformers causal language model; every prompt is prefilled once for all its continuations.

generation_config  decoding settings of lm_eval's generation requests (`Decoding`, `RequestGroup`)
generate           shared-prefix decoding: greedy answers, samples and beams of a prompt from one prefill
hf_generate        plain decoding by `transformers.generate`, the fallback for models that can't share a prefix
sequence_policy    the interface of decoding: which tokens continue the sequences of a prompt
independent_sequences  greedy answers and samples
beam_search        beams
sampling           seeded sampling and top-k over logits
stopping           where an answer ends, for `generate` and `hf_generate`
answer_start       where the answer's text begins among the tokens to be scored
scoring            log-likelihoods, one row per continuation
prefix_scoring     log-likelihoods, all continuations of a context in one row
prefix_cache       prefill and the KV cache of a batch of prompts
prefix_tree        attention masks and positions of the tokens after a shared prefix
prefix_support     which models can share a prefix
batching           batch sizes in tokens
cpu_matmul         faster matrix products on a CPU

Import the modules one by one: this file imports nothing, because importing torch would slow down the start of the command line.
"""
