"""The page: upload a clip, see the prediction, step through where the model looked."""
