stage_states() { :; }
