stage_fuzz() { :; }
