"""A robot's learner: every task costs time of the robot, and what it recorded cannot be made again."""
