SELECT * FROM refresh_model('emptied')
