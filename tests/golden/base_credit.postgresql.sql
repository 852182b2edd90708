CREATE TABLE base_credit (
    credit_record_type_code TEXT,
    credit_record_number VARCHAR(128),
    credit_subject_type_code TEXT,
    unified_social_credit_code VARCHAR(18),
    organization_name VARCHAR(200),
    organization_code VARCHAR(9),
    registration_number VARCHAR(15),
    taxpayer_number VARCHAR(20),
    legal_representative_name VARCHAR(100),
    credit_authority_name VARCHAR(200),
    credit_authority_code VARCHAR(18),
    credit_decided_date DATE,
    credit_valid_to_date DATE,
    credit_disclosed_to_date DATE,
    penalty_behavior VARCHAR(2000),
    penalty_facts VARCHAR(5000),
    penalty_basis VARCHAR(2048),
    penalty_kinds VARCHAR(200),
    penalty_content VARCHAR(5000),
    penalty_fine_amount VARCHAR(24),
    penalty_confiscated_amount VARCHAR(24),
    penalty_license VARCHAR(200),
    credit_supplier_name VARCHAR(200),
    credit_supplier_code VARCHAR(18),
    credit_remark VARCHAR(512),
    source_updated_datetime VARCHAR(19)
);
COMMENT ON TABLE base_credit IS '公共信用';
COMMENT ON COLUMN base_credit.credit_record_type_code IS '信用信息类别代码：信用信息在公共信用信息基础目录中的类别。代码表 credit_record_type。标准规定必备。依据 全国公共信用信息基础目录（未见原文）';
COMMENT ON COLUMN base_credit.credit_record_number IS '信用信息文号：作为信用信息依据的文书的文号，处罚为行政处罚决定书文号。标准规定必备。依据 行政处罚信息公示数据标准 CF_WSH';
COMMENT ON COLUMN base_credit.credit_subject_type_code IS '行政相对人类别代码：信用信息所指的主体是组织、个人还是个体工商户。代码表 credit_subject_type。标准规定必备。依据 行政处罚信息公示数据标准 CF_XDR_LB';
COMMENT ON COLUMN base_credit.unified_social_credit_code IS '统一社会信用代码：登记管理部门赋予法人和其他组织的唯一代码。标准规定必备。依据 GB 32100-2015 GB/T 36104-2018 tyshxydm';
COMMENT ON COLUMN base_credit.organization_name IS '机构名称：登记管理部门核准的机构全称。标准规定必备。依据 GB/T 36104-2018 jgmc（仅见一处来源）';
COMMENT ON COLUMN base_credit.organization_code IS '组织机构代码：统一社会信用代码的第9至17位；2015年前单独赋码。标准规定可选。依据 GB 11714-1997 GB/T 36104-2018 zzjgdm';
COMMENT ON COLUMN base_credit.registration_number IS '注册号：工商行政管理注册号；2015年10月起为统一社会信用代码所代替。标准规定可选。依据 GS 15-2006 GB/T 36104-2018 zch';
COMMENT ON COLUMN base_credit.taxpayer_number IS '纳税人识别号：税务机关用来识别纳税人的号码，多数与统一社会信用代码相同。标准规定可选。依据 税务登记管理办法（未见原文）';
COMMENT ON COLUMN base_credit.legal_representative_name IS '法定代表人姓名：法定代表人或负责人的姓名。标准规定可选。依据 GB/T 36104-2018 fddbrxm（仅见一处来源）';
COMMENT ON COLUMN base_credit.credit_authority_name IS '信用信息认定机关：作出处罚等决定的机关全称。标准规定必备。依据 行政处罚信息公示数据标准 CF_CFJG';
COMMENT ON COLUMN base_credit.credit_authority_code IS '信用信息认定机关代码：作出决定的机关的统一社会信用代码。标准规定必备。依据 行政处罚信息公示数据标准 CF_CFJGDM';
COMMENT ON COLUMN base_credit.credit_decided_date IS '决定日期：作出处罚等决定的日期。标准规定必备。依据 行政处罚信息公示数据标准 CF_JDRQ';
COMMENT ON COLUMN base_credit.credit_valid_to_date IS '处罚有效期：决定的效力截止日期，长期为 9999-12-31。标准规定必备。依据 行政处罚信息公示数据标准 CF_YXQ';
COMMENT ON COLUMN base_credit.credit_disclosed_to_date IS '公示截止期：信用信息公示的截止日期。标准规定必备。依据 行政处罚信息公示数据标准 CF_GSJZQ';
COMMENT ON COLUMN base_credit.penalty_behavior IS '违法行为类型：违反的规定或违法行为的类型。标准规定可选。依据 行政处罚信息公示数据标准 CF_WFXW';
COMMENT ON COLUMN base_credit.penalty_facts IS '违法事实：认定的违法事实，可能提到个人。标准规定可选。依据 行政处罚信息公示数据标准 CF_WFSS（仅见一处来源）';
COMMENT ON COLUMN base_credit.penalty_basis IS '处罚依据：处罚所依据的法律条款。标准规定可选。依据 行政处罚信息公示数据标准 CF_YJ';
COMMENT ON COLUMN base_credit.penalty_kinds IS '处罚类别：行政处罚法第九条所列的处罚种类，多种以分号连接。标准规定可选。依据 行政处罚信息公示数据标准 CF_CFLB';
COMMENT ON COLUMN base_credit.penalty_content IS '处罚内容：处罚决定的主要内容，可能提到个人。标准规定可选。依据 行政处罚信息公示数据标准 CF_NR';
COMMENT ON COLUMN base_credit.penalty_fine_amount IS '罚款金额：罚款金额，以万元计，后接币种。标准规定可选。依据 行政处罚信息公示数据标准 CF_NR_FK';
COMMENT ON COLUMN base_credit.penalty_confiscated_amount IS '没收金额：没收违法所得、非法财物的金额，以万元计，后接币种。标准规定可选。依据 行政处罚信息公示数据标准 CF_NR_WFFF';
COMMENT ON COLUMN base_credit.penalty_license IS '暂扣或吊销证照名称及编号：被暂扣或吊销的证照的名称和编号。标准规定可选。依据 行政处罚信息公示数据标准 CF_NR_ZKDX';
COMMENT ON COLUMN base_credit.credit_supplier_name IS '数据来源单位：归集此信用信息的单位全称。标准规定必备。依据 行政处罚信息公示数据标准 CF_SJLY';
COMMENT ON COLUMN base_credit.credit_supplier_code IS '数据来源单位统一社会信用代码：归集此信用信息的单位的统一社会信用代码。标准规定必备。依据 行政处罚信息公示数据标准 CF_SJLYDM';
COMMENT ON COLUMN base_credit.credit_remark IS '信用信息备注：其他需要说明的情况。标准规定可选。依据 行政处罚信息公示数据标准 BZ';
COMMENT ON COLUMN base_credit.source_updated_datetime IS '数据更新时间：源系统中该记录最近一次更新的时间，北京时间。标准规定必备。依据 GB/T 7408.1-2023（未见原文）';
