SELECT * FROM refresh_model('refreshed')
