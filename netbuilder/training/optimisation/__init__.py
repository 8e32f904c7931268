"""What a batch does to weights: gradients, optimizers, schedules, averages."""
