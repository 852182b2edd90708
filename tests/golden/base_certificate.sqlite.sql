CREATE TABLE base_certificate (
    certificate_identifier TEXT,
    certificate_type_name TEXT,
    certificate_type_code TEXT,
    certificate_number TEXT,
    certificate_name TEXT,
    certificate_issuer_name TEXT,
    certificate_issuer_code TEXT,
    issued_date DATE,
    certificate_valid_from_date DATE,
    certificate_valid_to_date DATE,
    certificate_holder_name TEXT,
    certificate_holder_code TEXT,
    certificate_holder_type_code TEXT,
    certificate_status_code TEXT
);
