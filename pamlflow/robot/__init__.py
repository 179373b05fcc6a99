"""The learner of a robot: each task costs robot time, and a recording cannot be made again."""
