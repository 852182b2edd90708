CREATE TABLE base_legal_entity (
    unified_social_credit_code VARCHAR(18),
    organization_name VARCHAR(200),
    organization_english_name VARCHAR(200),
    organization_code VARCHAR(9),
    registration_number VARCHAR(15),
    organization_type_code TEXT,
    market_entity_type_code TEXT,
    economic_type_code TEXT,
    industry_code TEXT,
    legal_representative_name VARCHAR(100),
    legal_representative_document_type_code TEXT,
    legal_representative_document_number VARCHAR(25),
    registered_capital VARCHAR(24),
    registered_capital_currency_code TEXT,
    established_date DATE,
    business_term_from_date DATE,
    business_term_to_date DATE,
    approved_date DATE,
    registration_authority_name VARCHAR(200),
    registration_authority_code VARCHAR(18),
    registration_authority_division_code VARCHAR(6),
    registered_address VARCHAR(400),
    registered_address_division_code VARCHAR(6),
    business_scope TEXT,
    organization_status_code TEXT,
    revoked_date DATE,
    cancelled_date DATE,
    cancellation_reason VARCHAR(200),
    parent_credit_code VARCHAR(18),
    employee_count BIGINT,
    business_address VARCHAR(400),
    business_address_division_code VARCHAR(6),
    supervising_body_name VARCHAR(200),
    supervising_body_code VARCHAR(18),
    registration_business_type_code TEXT,
    shareholder_name VARCHAR(200),
    contact_name VARCHAR(100),
    disclosure_code TEXT,
    organization_phone_number VARCHAR(20),
    postal_code VARCHAR(6),
    taxpayer_number VARCHAR(20),
    source_updated_datetime VARCHAR(19)
);
COMMENT ON TABLE base_legal_entity IS '法人';
COMMENT ON COLUMN base_legal_entity.unified_social_credit_code IS '统一社会信用代码：登记管理部门赋予法人和其他组织的唯一代码。标准规定必备。依据 GB 32100-2015 GB/T 36104-2018 tyshxydm';
COMMENT ON COLUMN base_legal_entity.organization_name IS '机构名称：登记管理部门核准的机构全称。标准规定必备。依据 GB/T 36104-2018 jgmc（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.organization_english_name IS '机构英文名称：机构的外文名称，以英文书写。标准规定可选。依据 GB/T 36104-2018（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.organization_code IS '组织机构代码：统一社会信用代码的第9至17位；2015年前单独赋码。标准规定可选。依据 GB 11714-1997 GB/T 36104-2018 zzjgdm';
COMMENT ON COLUMN base_legal_entity.registration_number IS '注册号：工商行政管理注册号；2015年10月起为统一社会信用代码所代替。标准规定可选。依据 GS 15-2006 GB/T 36104-2018 zch';
COMMENT ON COLUMN base_legal_entity.organization_type_code IS '机构类型代码：机构按法人分类的类型。代码表 organization_type。标准规定可选。依据 GB/T 20091-2021（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.market_entity_type_code IS '市场主体类型代码：市场监管部门登记的主体类型。代码表 market_entity_type。标准规定可选。依据 GS 14-2014 CA16';
COMMENT ON COLUMN base_legal_entity.economic_type_code IS '经济类型代码：机构按所有制和出资划分的经济类型。代码表 economic_type。标准规定可选。依据 GB/T 12402-2000 GB/T 36104-2018 jjlxdm';
COMMENT ON COLUMN base_legal_entity.industry_code IS '行业代码：机构主要活动所属的国民经济行业。代码表 industry。标准规定可选。依据 GB/T 4754-2017 GB/T 36104-2018 jjhydm（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.legal_representative_name IS '法定代表人姓名：法定代表人或负责人的姓名。标准规定必备。依据 GB/T 36104-2018 fddbrxm（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.legal_representative_document_type_code IS '法定代表人证件类型：法定代表人（负责人）身份证件的种类。代码表 identity_document_type。标准规定可选。依据 GA/T 2000.156-2016 GB/T 36104-2018 fddbrzjlx（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.legal_representative_document_number IS '法定代表人证件号码：法定代表人或负责人的证件号码。标准规定可选。依据 GB/T 36104-2018 fddbrzjhm（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.registered_capital IS '注册资本：登记的资本额，以万元计，后接币种。标准规定可选。依据 GB/T 36104-2018 zczj（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.registered_capital_currency_code IS '注册资本币种代码：注册资本的币种，三位字母代码。代码表 currency。标准规定可选。依据 GB/T 12406-2022 GB/T 36104-2018 hbzl（未见原文）';
COMMENT ON COLUMN base_legal_entity.established_date IS '成立日期：机构依法成立的日期。标准规定必备。依据 GB/T 7408.1-2023 GB/T 36104-2018 clrq（未见原文）';
COMMENT ON COLUMN base_legal_entity.business_term_from_date IS '经营期限起始日期：经营（有效）期限开始的日期。标准规定可选。依据 GB/T 36104-2018 yxqz（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.business_term_to_date IS '经营期限截止日期：经营（有效）期限的最后日期，长期为 9999-12-31。标准规定可选。依据 GB/T 36104-2018 yxqzhi（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.approved_date IS '核准日期：登记机关最近一次核准登记的日期。标准规定可选。依据 GB/T 7408.1-2023 GB/T 36104-2018 hzrq（未见原文）';
COMMENT ON COLUMN base_legal_entity.registration_authority_name IS '登记机关名称：办理登记的机关全称。标准规定必备。依据 GB/T 36104-2018 djglbmmc（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.registration_authority_code IS '登记机关代码：登记机关的统一社会信用代码。标准规定可选。依据 GB 32100-2015 GB/T 36104-2018 djglbmdm（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.registration_authority_division_code IS '登记机关行政区划代码：登记机关所在的行政区划，现行代码。代码表 division。标准规定必备。依据 GB/T 2260-2007';
COMMENT ON COLUMN base_legal_entity.registered_address IS '住所：登记的住所（经营场所）。标准规定必备。依据 GB/T 36104-2018 zcdz（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.registered_address_division_code IS '住所行政区划代码：登记的住所所在的行政区划，现行代码。代码表 division。标准规定可选。依据 GB/T 2260-2007 GB/T 36104-2018 zcdzxzqhdm（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.business_scope IS '经营范围：经营范围或宗旨和业务范围。标准规定可选。依据 GB/T 36104-2018 jyfw（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.organization_status_code IS '登记状态代码：机构在登记机关的状态。代码表 entity_status。标准规定必备。依据 GS 14-2014 CA19';
COMMENT ON COLUMN base_legal_entity.revoked_date IS '吊销日期：营业执照或登记证书被吊销的日期。标准规定可选。依据 GB/T 7408.1-2023（未见原文）';
COMMENT ON COLUMN base_legal_entity.cancelled_date IS '注销日期：机构注销登记的日期。标准规定可选。依据 GB/T 7408.1-2023（未见原文）';
COMMENT ON COLUMN base_legal_entity.cancellation_reason IS '注销原因：注销登记的原因。标准规定可选。依据 GB/T 36104-2018（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.parent_credit_code IS '上级机构统一社会信用代码：上级机构或隶属机构的统一社会信用代码。标准规定可选。依据 GB 32100-2015';
COMMENT ON COLUMN base_legal_entity.employee_count IS '从业人数：在机构从业的人数。标准规定可选。依据 GB/T 36104-2018 zgrs（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.business_address IS '生产经营地址：实际生产经营的地址。标准规定可选。依据 GB/T 36104-2018 scjydz（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.business_address_division_code IS '生产经营地址行政区划代码：生产经营地址所在的行政区划，现行代码。代码表 division。标准规定可选。依据 GB/T 2260-2007 GB/T 36104-2018 scjydzxzqhdm（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.supervising_body_name IS '主管单位：机构的业务主管单位名称。标准规定可选。依据 GB/T 36104-2018 zgdw（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.supervising_body_code IS '主管单位代码：主管单位的统一社会信用代码或组织机构代码。标准规定可选。依据 GB/T 36104-2018 zgdwdm（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.registration_business_type_code IS '登记业务类型代码：本次登记办理的业务。代码表 registration_business_type。标准规定可选。依据 GB/T 36104-2018 djywlx（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.shareholder_name IS '股东或投资人名称：股东或投资人的姓名或名称。标准规定可选。依据 GB/T 36104-2018 gdmc（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.contact_name IS '联系人：机构联系人的姓名。标准规定可选。依据 GB/T 36104-2018 lxr（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.disclosure_code IS '是否公开：机构信息是否公开，1 公开，2 不公开。代码表 disclosure。标准规定可选。依据 GB/T 36104-2018 sfgk（仅见一处来源）';
COMMENT ON COLUMN base_legal_entity.organization_phone_number IS '机构联系电话：机构对外联系的电话号码。标准规定可选。依据 工信部电信网编号计划 GB/T 36104-2018 lxdh（未见原文）';
COMMENT ON COLUMN base_legal_entity.postal_code IS '邮政编码：住所的邮政编码。标准规定可选。依据 GB/T 19488.2-2008（未见原文）';
COMMENT ON COLUMN base_legal_entity.taxpayer_number IS '纳税人识别号：税务机关用来识别纳税人的号码，多数与统一社会信用代码相同。标准规定可选。依据 税务登记管理办法（未见原文）';
COMMENT ON COLUMN base_legal_entity.source_updated_datetime IS '数据更新时间：源系统中该记录最近一次更新的时间，北京时间。标准规定必备。依据 GB/T 7408.1-2023（未见原文）';
