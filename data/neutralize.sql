-- A copy of the database for tests sends nothing to any operadora, and knows no login and no key.
UPDATE tiss_certificate
   SET sealed_key = NULL;
UPDATE tiss_endpoint
   SET active = FALSE;
UPDATE tiss_contract
   SET environment = 'demo',
       export_folder = NULL,
       service_credentials = NULL,
       production_user_id = NULL,
       production_date = NULL,
       production_database = NULL;
