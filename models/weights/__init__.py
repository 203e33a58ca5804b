"""Files of published models: where they lie, how they come here, how they are read safely."""
