"""The training pipeline: steps from data to a registered challenger, or to the reason why the gate rejected it.

Each step reads the results of earlier steps from the run's folder and stores its own. `steps.py` lists the steps and
`run.py` performs them, for the command line and for durable jobs alike.
"""
