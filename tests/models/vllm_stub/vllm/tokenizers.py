def get_tokenizer(name, tokenizer_mode="auto", trust_remote_code=False, revision=None, **options):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(name, revision=revision or "main", **options)
