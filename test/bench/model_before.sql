SELECT FROM drop_model('made') WHERE EXISTS (SELECT FROM pg_namespace WHERE nspname = 'made')
