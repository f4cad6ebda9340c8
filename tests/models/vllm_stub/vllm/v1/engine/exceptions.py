class EngineDeadError(Exception):
    """The exception of a vLLM whose engine's process has ended."""
