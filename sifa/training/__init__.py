"""Training runs: recipes, losses, the loop; raises, never exits."""
