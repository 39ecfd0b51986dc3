stage_doctest() { :; }
