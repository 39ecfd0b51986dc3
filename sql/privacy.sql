-- Privacy: erasure, access, retention, objection, and the record of processing.

