def resolve_hf_chat_template(tokenizer, chat_template, tools, model_config):
    return chat_template or getattr(tokenizer, "chat_template", None)
