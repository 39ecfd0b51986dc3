stage_hostile() { :; }
