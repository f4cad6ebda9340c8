"""A second opinion on the greedy answers: a model behind an OpenAI-compatible endpoint says whether they give the reference answer.

prompt    what the judge is asked, and which verdict a reply is
endpoint  where it is, and the settings of a request
replies   what the endpoint sends back
retries   which failures are tried again, and when
client    the requests over the network
cache     replies on disk, by content
plan      which answers are asked about, and what that costs
command   `lm-eval-illusion judge`
"""
