"""Short trainings that answer a question: rates, speed, whether it resumes exactly."""
