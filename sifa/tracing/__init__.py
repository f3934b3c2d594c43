"""One pass, seen: records, hooks, predictions, interventions, trust."""
