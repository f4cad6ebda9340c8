"""`python -m lm_eval_illusion.cli` is the command `lm-eval-illusion`."""

import sys

from lm_eval_illusion.cli import main

if __name__ == "__main__":
    sys.exit(main())
