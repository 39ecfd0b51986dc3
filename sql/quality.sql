-- Data quality, corrections by people, and parity of segments between groups.

