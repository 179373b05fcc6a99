"""Tasks of any mechanism: a MuJoCo XML file (MJCF), and what varies in it, by configuration alone."""
