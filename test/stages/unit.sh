stage_unit() { :; }
