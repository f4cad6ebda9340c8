"""Files and data sets of questions -> checked `Question`s."""
