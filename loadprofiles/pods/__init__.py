"""Workers of a grid as pods of the cluster: their image, and putting them there."""
