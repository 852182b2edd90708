CREATE TABLE base_legal_entity (
    unified_social_credit_code VARCHAR(18),
    organization_name VARCHAR(200),
    organization_type_code TEXT,
    organization_status_code TEXT,
    legal_representative_name VARCHAR(100),
    established_date DATE,
    approved_date DATE,
    cancelled_date DATE,
    registered_address VARCHAR(400),
    registration_authority_name VARCHAR(200),
    business_scope TEXT,
    organization_phone_number VARCHAR(20)
);
COMMENT ON TABLE base_legal_entity IS '法人 / Legal entities';
COMMENT ON COLUMN base_legal_entity.unified_social_credit_code IS '统一社会信用代码 / Unified social credit code (GB 32100-2015)';
COMMENT ON COLUMN base_legal_entity.organization_name IS '机构名称 / Name of an organization (GB/T 36104-2018)';
COMMENT ON COLUMN base_legal_entity.organization_type_code IS '机构类型代码 / Organization type code (GB/T 20091-2021)';
COMMENT ON COLUMN base_legal_entity.organization_status_code IS '登记状态代码 / Registration status code (GS 14-2014)';
COMMENT ON COLUMN base_legal_entity.legal_representative_name IS '法定代表人姓名 / Name of the legal representative (GB/T 36104-2018)';
COMMENT ON COLUMN base_legal_entity.established_date IS '成立日期 / Date of establishment (GB/T 7408.1-2023)';
COMMENT ON COLUMN base_legal_entity.approved_date IS '核准日期 / Date of approval (GB/T 7408.1-2023)';
COMMENT ON COLUMN base_legal_entity.cancelled_date IS '注销日期 / Date of cancellation (GB/T 7408.1-2023)';
COMMENT ON COLUMN base_legal_entity.registered_address IS '住所 / Registered address (GB/T 36104-2018)';
COMMENT ON COLUMN base_legal_entity.registration_authority_name IS '登记机关名称 / Name of the registration authority (GB/T 36104-2018)';
COMMENT ON COLUMN base_legal_entity.business_scope IS '经营范围 / Business scope (GB/T 36104-2018)';
COMMENT ON COLUMN base_legal_entity.organization_phone_number IS '机构联系电话 / Phone number of an organization (工信部电信网编号计划)';
