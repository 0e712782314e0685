from tests.orchestration import api, first, run, trained, untrained

__all__ = ["api", "first", "run", "trained", "untrained"]
