"""From data to a candidate: the steps that end with a challenger in the registry, or say why there is none.

Each step reads what earlier ones stored in the run's folder and stores what it found: `steps.py` lists them, `run.py`
performs them, and neither knows whether a person or a durable job asks for it.
"""
