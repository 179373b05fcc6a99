"""Look into the files of a study or of a robot's learner, and check them."""
