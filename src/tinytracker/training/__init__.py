"""Training (torch): recipes, augmentation, the loop, checkpoints."""
