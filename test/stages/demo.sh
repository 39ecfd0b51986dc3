stage_demo() { :; }
