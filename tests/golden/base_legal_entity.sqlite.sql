CREATE TABLE base_legal_entity (
    unified_social_credit_code TEXT,
    organization_name TEXT,
    organization_type_code TEXT,
    organization_status_code TEXT,
    legal_representative_name TEXT,
    established_date DATE,
    approved_date DATE,
    cancelled_date DATE,
    registered_address TEXT,
    registration_authority_name TEXT,
    business_scope TEXT,
    organization_phone_number TEXT
);
